from django import template

from apps.core.waiting import message_of

register = template.Library()
register.filter("message_of", message_of)
